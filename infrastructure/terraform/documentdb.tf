resource "aws_docdb_subnet_group" "catalog" {
  name       = "${local.name}-catalog"
  subnet_ids = module.vpc.database_subnets
}

resource "aws_docdb_cluster_parameter_group" "catalog" {
  name   = "${local.name}-catalog"
  family = "docdb5.0"

  parameter {
    name  = "tls"
    value = "enabled"
  }
}

resource "aws_docdb_cluster" "catalog" {
  cluster_identifier = "${local.name}-catalog"

  engine         = "docdb"
  engine_version = "5.0.0"

  master_username             = "ecommerce"
  manage_master_user_password = true

  db_subnet_group_name            = aws_docdb_subnet_group.catalog.name
  db_cluster_parameter_group_name = aws_docdb_cluster_parameter_group.catalog.name
  vpc_security_group_ids          = [aws_security_group.stores.id]

  storage_encrypted            = true
  backup_retention_period      = var.documentdb.backup_days
  preferred_backup_window      = "03:00-04:00"
  preferred_maintenance_window = "sun:04:00-sun:05:00"
  deletion_protection          = var.environment == "production"
  skip_final_snapshot          = var.environment != "production"
  final_snapshot_identifier    = "${local.name}-catalog-final"

  enabled_cloudwatch_logs_exports = ["audit", "profiler"]
}

resource "aws_docdb_cluster_instance" "catalog" {
  count = var.documentdb.instances

  identifier         = "${local.name}-catalog-${count.index + 1}"
  cluster_identifier = aws_docdb_cluster.catalog.id
  instance_class     = var.documentdb.instance_class
}
