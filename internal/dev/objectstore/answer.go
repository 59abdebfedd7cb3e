package objectstore

import (
	"encoding/xml"
	"io"
	"net/http"
)

// fault is a refusal, as S3 words it.
type fault struct {
	status  int
	code    string
	message string
}

func (f *fault) Error() string { return f.code + ": " + f.message }

var errInternal = &fault{http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again."}

// longest is how much of a body is read that nobody wants.
const longest = 64 << 20

// drain reads the body of a request that is refused: a client that is still sending may take a connection that is closed
// meanwhile for a failure of the network, and never read why it was refused.
func drain(r *http.Request) { io.CopyN(io.Discard, r.Body, longest) }

// refuse answers with an error, in S3's XML.
func refuse(w http.ResponseWriter, r *http.Request, f *fault) {
	drain(r)
	if r.Method == http.MethodHead {
		w.WriteHeader(f.status)
		return
	}
	writeXML(w, f.status, struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: f.code, Message: f.message})
}

func writeXML(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	io.WriteString(w, xml.Header)
	xml.NewEncoder(w).Encode(body) // its only errors are those of the connection
}
