package postgres

// What deployed code may do in a database, beside calling the functions that have their owner's rights: see the command
// migrate --grant. The tests run under a role with exactly these rights.
var (
	// DeployedTables are those of the schema chat that statements read.
	DeployedTables = []string{"attachment", "conversation", "developer", "message", "outbox", "schema_version", "search", "webhook"}

	// DeployedFunctions are those of the schema chat that statements call with the caller's own rights.
	DeployedFunctions = []string{"fold", "server", "trigrams"}
)
