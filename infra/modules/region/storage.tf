# Two buckets: `locked` is the evidence, `derived` is made from it and can be made again.

resource "aws_s3_bucket" "locked" {
  bucket              = "${local.prefix}-${local.account}-locked"
  object_lock_enabled = true
  force_destroy       = var.test_stage_governance # evidence cannot be destroyed, whatever this says
}

resource "aws_s3_bucket" "derived" {
  bucket = "${local.prefix}-${local.account}-derived"
}

locals {
  lock_mode = var.test_stage_governance ? "GOVERNANCE" : "COMPLIANCE"
  lock_days = var.test_stage_governance ? 1 : var.retention_days

  buckets = {
    locked  = aws_s3_bucket.locked.id
    derived = aws_s3_bucket.derived.id
  }

  # With the one that trail.tf makes.
  all_buckets = merge(local.buckets, { for bucket in aws_s3_bucket.trail : "trail" => bucket.id })
}

# Object Lock needs versioning.
resource "aws_s3_bucket_versioning" "locked" {
  bucket = aws_s3_bucket.locked.id

  versioning_configuration {
    status = "Enabled"
  }
}

# The writer relies on this default: it sends no retention of its own, so it needs no permission to set one.
resource "aws_s3_bucket_object_lock_configuration" "locked" {
  bucket = aws_s3_bucket.locked.id

  rule {
    default_retention {
      mode = local.lock_mode
      days = local.lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.locked]
}

# SSE-S3 on purpose: a KMS key that can be deleted is a lock that can be opened.
resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.all_buckets

  bucket = each.value

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.all_buckets

  bucket                  = each.value
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.all_buckets

  bucket = each.value

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# Query results hold what the ledger holds; they are kept for as long as one reads them.
resource "aws_s3_bucket_lifecycle_configuration" "derived" {
  bucket = aws_s3_bucket.derived.bucket

  rule {
    id     = "athena-results"
    status = "Enabled"

    filter {
      prefix = "athena/"
    }

    expiration {
      days = 7
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "locked" {
  bucket     = aws_s3_bucket.locked.id
  policy     = data.aws_iam_policy_document.locked.json
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_policy" "derived" {
  count = var.drop_conditions ? 0 : 1 # its only statement asks for TLS, and the emulator speaks plain HTTP

  bucket     = aws_s3_bucket.derived.id
  policy     = data.aws_iam_policy_document.derived.json
  depends_on = [aws_s3_bucket_public_access_block.this]
}

data "aws_iam_policy_document" "derived" {
  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.derived.arn, "${aws_s3_bucket.derived.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "locked" {
  # Object Lock protects versions, not names: a delete marker, made by hand or by a lifecycle rule, would hide them.
  # A test stage in GOVERNANCE mode goes without, so that it can be torn down.
  dynamic "statement" {
    for_each = var.test_stage_governance ? [] : [1]

    content {
      sid       = "NobodyDeletes"
      effect    = "Deny"
      actions   = ["s3:DeleteObject*", "s3:BypassGovernanceRetention"]
      resources = ["${aws_s3_bucket.locked.arn}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.test_stage_governance ? [] : [1]

    content {
      sid       = "NoLifecycle"
      effect    = "Deny"
      actions   = ["s3:PutLifecycleConfiguration", "s3:DeleteBucket"]
      resources = [aws_s3_bucket.locked.arn]

      principals {
        type        = "*"
        identifiers = ["*"]
      }
    }
  }

  # A put may name a retention of its own, shorter than the bucket's default; nobody may.
  statement {
    sid       = "NoShorterRetention"
    effect    = "Deny"
    actions   = ["s3:PutObjectRetention"]
    resources = ["${aws_s3_bucket.locked.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "NumericLessThan"
      variable = "s3:object-lock-remaining-retention-days"
      values   = [tostring(local.lock_days)]
    }
  }

  # What lies at a log's next place cannot be taken away for as long as it is locked, and stops that log if it is not the
  # writer's: so nobody else puts anything, whatever its own policy says.
  statement {
    sid       = "OnlyTheWriterPuts"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.locked.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = local.principals_that.write
    }
  }

  # Only conditional puts: nothing under a name is ever superseded. Multipart uploads carry no such header and are
  # refused with the rest; a record is far below their size. Left out where the emulator does not read the key.
  dynamic "statement" {
    for_each = var.drop_conditions ? [] : [1]

    content {
      sid       = "OnlyConditionalPuts"
      effect    = "Deny"
      actions   = ["s3:PutObject"]
      resources = ["${aws_s3_bucket.locked.arn}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Null"
        variable = "s3:if-none-match"
        values   = ["true"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.drop_conditions ? [] : [1]

    content {
      sid       = "OnlyTls"
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = [aws_s3_bucket.locked.arn, "${aws_s3_bucket.locked.arn}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["false"]
      }
    }
  }
}
