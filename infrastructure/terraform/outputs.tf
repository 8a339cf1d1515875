output "cluster_name" {
  description = "For `aws eks update-kubeconfig --name`."
  value       = module.eks.cluster_name
}

output "postgresql_primary" {
  description = "The chart's pgbouncer.primaryHost."
  value       = module.db.db_instance_address
}

output "postgresql_replicas" {
  description = "The first is the chart's pgbouncer.replicaHost."
  value       = module.db_replica[*].db_instance_address
}

output "documentdb_endpoint" {
  description = "Host of the catalogue's database."
  value       = aws_docdb_cluster.catalog.endpoint
}

output "redis_endpoint" {
  description = "Host of the cache."
  value       = aws_elasticache_replication_group.cache.primary_endpoint_address
}
