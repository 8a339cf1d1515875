variable "environment" {
  description = "Name of the environment; part of all names."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "The environment must be staging or production; development needs no cloud."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "eu-central-1"
}

variable "vpc_cidr" {
  description = "Addresses of the network. The chart's networkPolicies.storesCIDR must contain it."
  type        = string
  default     = "10.0.0.0/16"
}

variable "availability_zones" {
  description = "How many zones everything is spread over."
  type        = number
  default     = 3
}

variable "cluster_version" {
  description = "Version of Kubernetes."
  type        = string
  default     = "1.33"
}

variable "nodes" {
  description = "Instance types and number of the cluster's nodes."
  type = object({
    instance_types = list(string)
    min            = number
    max            = number
    desired        = number
  })
}

variable "postgresql" {
  description = "Size of PostgreSQL, and how many read replicas it has."
  type = object({
    instance_class  = string
    storage_gb      = number
    storage_gb_max  = number
    multi_az        = bool
    read_replicas   = number
    backup_days     = number
    deletion_locked = bool
  })
}

variable "documentdb" {
  description = "Size of the catalogue's database."
  type = object({
    instance_class = string
    instances      = number
    backup_days    = number
  })
}

variable "redis" {
  description = "Size of the cache."
  type = object({
    node_type = string
    replicas  = number
  })
}
