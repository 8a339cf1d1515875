environment = "production"

nodes = {
  instance_types = ["m5.large"]
  min            = 3
  max            = 10
  desired        = 6
}

postgresql = {
  instance_class  = "db.r5.xlarge"
  storage_gb      = 100
  storage_gb_max  = 1000
  multi_az        = true
  read_replicas   = 1
  backup_days     = 30
  deletion_locked = true
}

documentdb = {
  instance_class = "db.r5.large"
  instances      = 3
  backup_days    = 30
}

redis = {
  node_type = "cache.r6g.large"
  replicas  = 2
}
