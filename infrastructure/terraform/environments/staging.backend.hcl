bucket         = "company-terraform-state"
key            = "ecommerce/staging.tfstate"
region         = "eu-central-1"
dynamodb_table = "company-terraform-locks"
encrypt        = true
