// Package postgres is chat's [chat.Store] on Postgres 14 or later, reached through pgx.
//
// Every method is one statement: one round trip, atomic by itself, with nothing that a freeze of the
// instance could leave half done. What must be atomic and takes several steps is a SQL function, in the file
// of functions/ that bears its name, and called by the method of the same name. The text of every other
// statement stands beside the method that runs it.
//
// It runs right behind every pooler: pgx is pinned to its exec mode, which keeps no state in a server
// session, and nothing here sets a variable, listens, or takes a session's lock.
package postgres
