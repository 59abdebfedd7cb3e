package conversations

import (
	"net/http"

	"devinbox/pkg/app"
	"devinbox/pkg/chat"
)

// UpdateConversation serves POST /api/conversations/update: developers close, reopen or assign a conversation, or name its client.
func UpdateConversation(w http.ResponseWriter, r *http.Request) {
	app.ServeRoutes(w, r, app.Routes{http.MethodPost: app.Developers(app.Call(r, (*chat.Service).UpdateConversation))})
}
