# Every module and provider is pinned: the same commit makes the same plan.
terraform {
  required_version = ">= 1.9, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }

  # Bucket and table come from environments/<environment>.backend.hcl:
  #   terraform init -backend-config=environments/production.backend.hcl
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Platform    = "ecommerce"
      Environment = var.environment
      ManagedBy   = "terraform"
    }
  }
}
