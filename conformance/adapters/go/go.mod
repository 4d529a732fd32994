module themisdb.dev/conformance/adapters/go

go 1.21
