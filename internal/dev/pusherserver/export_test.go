package pusherserver

// For the tests of signatures, whose published examples are of a time and a socket that a running server has not.
var (
	Sign       = sign
	SignedText = signedText
	ParseQuery = parseQuery
)

// NewSocketID is there to be asked more often than sockets can be opened.
var NewSocketID = newSocketID
