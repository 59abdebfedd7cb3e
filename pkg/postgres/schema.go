package postgres

import "embed"

// Schema is what the package migrate applies: the numbered, forward-only steps of migrations/, and the
// functions of functions/, each of which can be applied again and again.
//
//go:embed migrations/*.sql functions/*.sql
var Schema embed.FS
