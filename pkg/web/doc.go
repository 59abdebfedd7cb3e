// Package web is the edge: JSON and forms in, JSON or problem details out, and what every answer has in common.
//
// It is the one place that knows HTTP status codes. A handler returns an [Answer] or an error, and
// [Write] and [Problem] turn either into a response. Input is read strictly: a field or parameter that is
// unknown, doubled, of another case or of another type is refused with an error that names it. So the author
// of a misspelt one notices it at once, and not a user later who misses its effect.
package web
