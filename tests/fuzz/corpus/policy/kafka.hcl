# what a broker may
path "kafka-int-ca/issue/kafka-server" {
  capabilities = ["update"]
  allowed_parameters = { "common_name" = ["*.kafka.example.com"], "ttl" = [] }
  denied_parameters  = { "alt_names" = [] }
  required_parameters = ["common_name"]
  max_wrapping_ttl = "90s"
}
path "kafka-int-ca/+/x*" { policy = "write" } // old
/* all */ path "*" { capabilities = ["deny"] }
