// Package web is the edge: JSON and forms in, JSON or problem details out, and what belongs to every answer.
//
// It is the one place that knows HTTP status codes. A handler gives back an [Answer] or an error, and
// [Write] and [Problem] turn either into a response. What comes in is read strictly: a field or parameter
// that is unknown, doubled, of another case or of another type is refused by its name, so that a misspelt
// one is noticed by whoever wrote it and not by whoever misses its effect.
package web
