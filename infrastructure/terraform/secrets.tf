# The External Secrets Operator reads ecommerce/<environment>/<KEY>, as the chart's values.aws.yaml says.
resource "random_password" "signing" {
  for_each = toset(["JWT_SECRET", "PSP_SECRET", "CSRF_SECRET"])

  length  = 64
  special = false
}

resource "aws_secretsmanager_secret" "signing" {
  for_each = random_password.signing

  name                    = "ecommerce/${var.environment}/${each.key}"
  recovery_window_in_days = 7
}

resource "aws_secretsmanager_secret_version" "signing" {
  for_each = random_password.signing

  secret_id     = aws_secretsmanager_secret.signing[each.key].id
  secret_string = each.value.result
}

# Carts have the first database of the cache, what instances of the gateway share the second.
resource "aws_secretsmanager_secret" "redis" {
  for_each = { "cart-service/CART_URL" = 0, "api-gateway/REDIS_URL" = 1 }

  name                    = "ecommerce/${var.environment}/${each.key}"
  recovery_window_in_days = 7
}

resource "aws_secretsmanager_secret_version" "redis" {
  for_each = { "cart-service/CART_URL" = 0, "api-gateway/REDIS_URL" = 1 }

  secret_id     = aws_secretsmanager_secret.redis[each.key].id
  secret_string = "rediss://:${random_password.redis.result}@${aws_elasticache_replication_group.cache.primary_endpoint_address}:6379/${each.value}"
}
