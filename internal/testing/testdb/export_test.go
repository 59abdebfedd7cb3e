package testdb

// Given is what decides whether tests may use the server of a URL.
var Given = given
