module "eks" {
  source  = "terraform-aws-modules/eks/aws"
  version = "20.37.2"

  cluster_name    = local.name
  cluster_version = var.cluster_version

  vpc_id     = module.vpc.vpc_id
  subnet_ids = module.vpc.private_subnets

  cluster_endpoint_public_access           = false
  cluster_endpoint_private_access          = true
  enable_cluster_creator_admin_permissions = false
  authentication_mode                      = "API"

  cluster_enabled_log_types = ["api", "audit", "authenticator"]

  cluster_addons = {
    coredns                = {}
    kube-proxy             = {}
    eks-pod-identity-agent = {}
    aws-ebs-csi-driver     = {}
    vpc-cni = {
      # Network policies of the chart are enforced by it.
      configuration_values = jsonencode({ enableNetworkPolicy = "true" })
    }
  }

  eks_managed_node_groups = {
    main = {
      instance_types = var.nodes.instance_types
      min_size       = var.nodes.min
      max_size       = var.nodes.max
      desired_size   = var.nodes.desired

      # The chart's preferredNodeLabels.
      labels = { workload = "ecommerce" }

      update_config = { max_unavailable = 1 }

      block_device_mappings = {
        root = {
          device_name = "/dev/xvda"
          ebs = {
            volume_type = "gp3"
            volume_size = 50
            iops        = 3000
            throughput  = 150
            encrypted   = true
          }
        }
      }

      # A pod cannot reach the node's own credentials.
      metadata_options = {
        http_endpoint               = "enabled"
        http_tokens                 = "required"
        http_put_response_hop_limit = 1
      }
    }
  }
}
