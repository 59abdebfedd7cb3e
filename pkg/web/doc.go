// Package web reads requests and writes responses: JSON and forms in, JSON or problem details out, with the headers that
// every response has.
//
// No other package knows HTTP status codes. A handler returns an [Answer] or an error, and
// [Write] and [Problem] turn either into a response. Input is read strictly: a field or parameter that is
// unknown, repeated, in another case or of another type is refused with an error that names it. So a developer
// notices a misspelt name at once.
package web
