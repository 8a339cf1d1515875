environment = "staging"
vpc_cidr    = "10.1.0.0/16"

nodes = {
  instance_types = ["m5.large"]
  min            = 2
  max            = 4
  desired        = 2
}

postgresql = {
  instance_class  = "db.t4g.medium"
  storage_gb      = 20
  storage_gb_max  = 100
  multi_az        = false
  read_replicas   = 1
  backup_days     = 7
  deletion_locked = false
}

documentdb = {
  instance_class = "db.t4g.medium"
  instances      = 1
  backup_days    = 7
}

redis = {
  node_type = "cache.t4g.small"
  replicas  = 0
}
