name = "x"
path heredoc { comment = <<-EOT
    any
      } text
    EOT
  capabilities = ["read", "list",] }
path "esc\u002f\x61\142\t\"" { capabilities = [], min_wrapping_ttl = 0x10, expiration = "2099-01-01T00:00:00Z" }
path "p" { allowed_parameters { x = [1.5, -1, true, {a = [1]}] } }
