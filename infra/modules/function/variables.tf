variable "name" {
  description = "Name of the function, its role and, with suffixes, its queue and alarm."
  type        = string
}

variable "description" {
  description = "The function's job in one sentence."
  type        = string
}

variable "package" {
  description = "Path of the zip."
  type        = string
}

variable "architecture" {
  description = "arm64 or x86_64."
  type        = string
}

variable "policy_json" {
  description = "Everything that the function's job needs; logs and its own dead-letter queue are added here."
  type        = string
}

variable "environment" {
  description = "Variables of the function. Names and addresses only: a secret would lie in the state."
  type        = map(string)
}

variable "timeout_seconds" {
  type        = number
  description = "Longest run of one invocation."

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900
    error_message = "timeout_seconds must lie between 1 and 900, the limits of Lambda."
  }
}

variable "memory_mb" {
  type        = number
  description = "Memory of one environment; Lambda scales CPU with it."

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "memory_mb must lie between 128 and 10240, the limits of Lambda."
  }
}

variable "reserved_concurrency" {
  type        = number
  description = "Environments kept for this function alone and its upper bound; -1 means unreserved."

  validation {
    condition     = var.reserved_concurrency == -1 || var.reserved_concurrency >= 1
    error_message = "reserved_concurrency must be -1 (unreserved) or at least 1; 0 would switch the function off."
  }
}

variable "log_retention_days" {
  type        = number
  description = "Days for which CloudWatch keeps the logs."
}

variable "alarm_topic_arns" {
  type        = list(string)
  description = "SNS topics that the alarm notifies."
}

variable "role_principals" {
  type        = list(string)
  description = "Principals besides Lambda that may take the role; empty but on the local stage."
  default     = []
}

variable "role_session_seconds" {
  type        = number
  description = "Longest session of the role."
  default     = 3600
}

variable "keep_dead_letters" {
  type        = bool
  description = "Keep asynchronous invocations that failed for good; false where the next one makes up for it."
  default     = true
}

variable "live_version" {
  type        = string
  description = "The version that is served; empty: the one that this deployment makes."
  default     = ""
}
