data "aws_availability_zones" "available" {
  state = "available"
}

locals {
  name  = "ecommerce-${var.environment}"
  zones = slice(data.aws_availability_zones.available.names, 0, var.availability_zones)
}

module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "5.21.0"

  name = local.name
  cidr = var.vpc_cidr
  azs  = local.zones

  private_subnets  = [for index, zone in local.zones : cidrsubnet(var.vpc_cidr, 4, index)]
  public_subnets   = [for index, zone in local.zones : cidrsubnet(var.vpc_cidr, 8, index + 128)]
  database_subnets = [for index, zone in local.zones : cidrsubnet(var.vpc_cidr, 8, index + 144)]

  # One gateway a zone in production: a zone that fails takes no other with it.
  enable_nat_gateway     = true
  single_nat_gateway     = var.environment != "production"
  one_nat_gateway_per_az = var.environment == "production"
  enable_dns_hostnames   = true

  create_database_subnet_group = true

  enable_flow_log                      = true
  create_flow_log_cloudwatch_iam_role  = true
  create_flow_log_cloudwatch_log_group = true

  public_subnet_tags  = { "kubernetes.io/role/elb" = "1" }
  private_subnet_tags = { "kubernetes.io/role/internal-elb" = "1" }
}

# Databases take connections from the cluster's nodes only.
resource "aws_security_group" "stores" {
  name_prefix = "${local.name}-stores-"
  description = "PostgreSQL, DocumentDB and Redis of ${local.name}"
  vpc_id      = module.vpc.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "stores" {
  for_each = { postgresql = 5432, documentdb = 27017, redis = 6379 }

  security_group_id            = aws_security_group.stores.id
  referenced_security_group_id = module.eks.node_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  description                  = "${each.key} from the nodes"
}
