// Package serve serves the functions of api/ from one process, without Vercel: many requests at once, with a timer
// instead of the cron. When it ends, it first finishes the requests that have started.
package serve

import (
	"net/http"

	handler "devinbox/api"
	"devinbox/api/conversations"
	"devinbox/api/cron"
	"devinbox/api/messages"
	"devinbox/api/pusher"
)

// Functions are those of api/, each at the path that Vercel gives it. Vercel finds them by their files; in Go they
// must be listed. A test compares this list with the folder.
var Functions = map[string]http.HandlerFunc{
	"/api/attachments":          handler.ServeAttachments,
	"/api/conversations/list":   conversations.ListConversations,
	"/api/conversations/update": conversations.UpdateConversation,
	"/api/cron/deliver":         cron.Deliver,
	"/api/health":               handler.CheckHealth,
	"/api/messages/edit":        messages.ChangeMessage,
	"/api/messages/list":        messages.ListMessages,
	"/api/messages/read":        messages.MarkRead,
	"/api/messages/send":        messages.SendMessage,
	"/api/pusher/auth":          pusher.Authorize,
	"/api/pusher/webhook":       pusher.ReceiveWebhook,
	"/api/session":              handler.ServeSession,
}

// Handler serves exactly the paths of [Functions]. Everything else is 404.
func Handler() http.Handler {
	mux := http.NewServeMux()
	for path, function := range Functions {
		mux.HandleFunc(path, function)
	}
	return mux
}
