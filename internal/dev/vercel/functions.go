// Package vercel serves the functions of api/ on this machine as Vercel does: each at the path of its file,
// with the headers and rewrites of vercel.json.
package vercel

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
