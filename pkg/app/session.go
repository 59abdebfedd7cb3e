package app

import (
	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

// authEndpoint is where pusher-js asks to be authorized for a channel.
const authEndpoint = "/api/pusher/auth"

// Session is who the browser's user is, and all that it needs to listen.
type Session struct {
	Identity SessionIdentity `json:"identity"`
	Realtime SessionRealtime `json:"realtime"`
	Limits   SessionLimits   `json:"limits"`
	Token    string          `json:"token,omitzero"` // only in the answer that starts a guest's session
}

// SessionIdentity is who the caller is.
type SessionIdentity struct {
	ID   string    `json:"id"`
	Role chat.Role `json:"role"`
	Name *string   `json:"name"`
}

// SessionRealtime has the options for pusher-js.
type SessionRealtime struct {
	realtime.Connection
	AuthEndpoint string `json:"authEndpoint"`
}

// SessionLimits are the limits that a frontend checks before a request.
type SessionLimits struct {
	BodyCodePoints int               `json:"bodyCodePoints"`
	PageSize       int               `json:"pageSize"`
	Attachment     *AttachmentLimits `json:"attachment"` // nil: this deployment accepts no files
}

// AttachmentLimits are the limits that a frontend checks before it uploads a file.
type AttachmentLimits struct {
	MaxBytes      int64 `json:"maxBytes"` // of each
	MaxPerMessage int   `json:"maxPerMessage"`
}

// Session returns the caller's Session.
func (a *App) Session(me chat.Identity) Session {
	s := Session{
		Identity: SessionIdentity{ID: me.ID, Role: me.Role},
		Realtime: SessionRealtime{Connection: a.Realtime.Connection(me), AuthEndpoint: authEndpoint},
		Limits:   SessionLimits{BodyCodePoints: chat.MaxBodyCodePoints, PageSize: chat.MaxPage},
	}
	if a.Files.Enabled() {
		s.Limits.Attachment = &AttachmentLimits{MaxBytes: a.Files.MaxBytes(), MaxPerMessage: chat.MaxAttachments}
	}
	if me.Name != "" {
		s.Identity.Name = &me.Name
	}
	return s
}
