// Package postgres is chat's [chat.Store] on Postgres 14 or later, reached through pgx.
//
// Every method is one statement: one round trip, atomic by itself, with nothing that a freeze of the
// instance could leave half done. If several steps must be atomic, they are a SQL function, in the file of
// functions/ with its name, and the method of the same name calls it. Every other statement is written beside the
// method that runs it.
//
// It works behind every pooler: pgx always uses its exec mode, which keeps no state in a server session, and nothing
// here uses LISTEN or a lock of a session.
//
// Each function that writes has these settings of its own, because no role, database or pooler can be relied on:
//
//   - security definer, so that deployed code needs no right to write a table, and with it a fixed search_path.
//   - lock_timeout: a wait for a lock ends on the server, with SQLSTATE 55P03 and nothing stored, before this package
//     gives up. Behind a pooler a cancel request can be lost, and then the statement would be committed later.
//   - enable_seqscan = off: a session keeps the plans of a function, and plans made while a table was small would
//     keep reading all of it.
//   - plan_cache_mode = force_generic_plan: which rows are due depends on the time, and Postgres would plan such a
//     statement again at every call, because a plan for a known time looks cheaper to it.
package postgres
