package messages

import (
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
)

// MarkRead serves POST /api/messages/read: it moves the read mark of the caller's side forward.
func MarkRead(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, http.MethodPost, app.Call(r, (*chat.Service).MarkRead))
}
