module "db" {
  source  = "terraform-aws-modules/rds/aws"
  version = "6.12.0"

  identifier = "${local.name}-main"

  engine               = "postgres"
  engine_version       = "15.13"
  family               = "postgres15"
  major_engine_version = "15"
  instance_class       = var.postgresql.instance_class

  storage_type          = "gp3"
  allocated_storage     = var.postgresql.storage_gb
  max_allocated_storage = var.postgresql.storage_gb_max
  storage_encrypted     = true

  db_name  = "orders"
  username = "ecommerce"
  port     = 5432
  # The password is made and rotated by the secrets manager; it is in no state file.
  manage_master_user_password = true

  multi_az               = var.postgresql.multi_az
  db_subnet_group_name   = module.vpc.database_subnet_group_name
  vpc_security_group_ids = [aws_security_group.stores.id]
  publicly_accessible    = false

  backup_retention_period = var.postgresql.backup_days
  backup_window           = "03:00-04:00"
  maintenance_window      = "sun:04:00-sun:05:00"
  copy_tags_to_snapshot   = true
  skip_final_snapshot     = var.environment != "production"
  deletion_protection     = var.postgresql.deletion_locked

  performance_insights_enabled    = true
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]

  parameters = [
    { name = "log_min_duration_statement", value = "250" },
    { name = "rds.force_ssl", value = "1" },
  ]
}

# Read traffic; PgBouncer offers each as <database>_read.
module "db_replica" {
  source  = "terraform-aws-modules/rds/aws"
  version = "6.12.0"

  count = var.postgresql.read_replicas

  identifier          = "${local.name}-main-replica-${count.index + 1}"
  replicate_source_db = module.db.db_instance_identifier

  engine               = "postgres"
  engine_version       = "15.13"
  family               = "postgres15"
  major_engine_version = "15"
  instance_class       = var.postgresql.instance_class

  storage_type          = "gp3"
  max_allocated_storage = var.postgresql.storage_gb_max
  storage_encrypted     = true

  port                   = 5432
  multi_az               = false
  vpc_security_group_ids = [aws_security_group.stores.id]
  publicly_accessible    = false

  backup_retention_period = 0
  skip_final_snapshot     = true
  deletion_protection     = var.postgresql.deletion_locked

  performance_insights_enabled = true
}
