package messages

import (
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
)

// ChangeMessage serves PATCH and DELETE /api/messages/edit: it replaces a message's body, or deletes it.
func ChangeMessage(w http.ResponseWriter, r *http.Request) {
	app.ServeRoutes(w, r, app.Routes{
		http.MethodPatch:  app.Known(app.Call(r, (*chat.Service).EditMessage)),
		http.MethodDelete: app.Known(app.Call(r, (*chat.Service).DeleteMessage)),
	})
}
