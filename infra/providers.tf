provider "aws" {
  region = local.region_name

  # The emulator serves buckets by path; AWS by host name.
  s3_use_path_style = var.stage == "local"

  default_tags {
    tags = {
      product = "countersign"
      stage   = var.stage
      region  = var.region
    }
  }
}
