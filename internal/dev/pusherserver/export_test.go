package pusherserver

// For the tests of signatures: the published examples have a time and a socket that no running server has.
var (
	Sign       = sign
	SignedText = signedText
	ParseQuery = parseQuery
)

// NewSocketID lets a test make more ids than it can open sockets.
var NewSocketID = newSocketID
