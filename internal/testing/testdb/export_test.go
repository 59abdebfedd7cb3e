package testdb

// Given decides whether tests may use the server of a URL.
var Given = given
