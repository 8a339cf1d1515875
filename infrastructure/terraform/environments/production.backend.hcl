bucket         = "company-terraform-state"
key            = "ecommerce/production.tfstate"
region         = "eu-central-1"
dynamodb_table = "company-terraform-locks"
encrypt        = true
