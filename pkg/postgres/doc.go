// Package postgres is chat's [chat.Store] on Postgres 14 or later, reached through pgx.
//
// Every method is one statement: one round trip, atomic by itself, with nothing that a freeze of the
// instance could leave half done. What must be atomic and takes several steps is a SQL function, in the file
// of functions/ that bears its name, and called by the method of the same name. The text of every other
// statement stands beside the method that runs it.
//
// It runs right behind every pooler: pgx is pinned to its exec mode, which keeps no state in a server
// session, and nothing here listens or takes a session's lock.
//
// Each function that writes has these settings of its own, because no role, database or pooler can be relied on:
//
//   - security definer, so that deployed code needs no right to write a table, and with it a fixed search_path.
//   - lock_timeout: a wait for a lock ends on the server, with SQLSTATE 55P03 and nothing stored, before this package
//     gives up. A request to cancel may be lost behind a pooler, and the statement would be committed later.
//   - enable_seqscan = off: a session keeps the plans of a function, and those that it made while a table was small
//     would go on reading all of it.
//   - plan_cache_mode = force_generic_plan: what is due is a matter of the clock, and Postgres would plan such a
//     statement anew at every call, for it takes the plan for a time that it knows to be cheaper.
package postgres
