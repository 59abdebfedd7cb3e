package app

import (
	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

// authEndpoint is where pusher-js asks for the right to a channel.
const authEndpoint = "/api/pusher/auth"

// Session is what a browser is told of its user, and all that it needs to listen.
type Session struct {
	Identity SessionIdentity `json:"identity"`
	Realtime SessionRealtime `json:"realtime"`
	Limits   SessionLimits   `json:"limits"`
	Token    string          `json:"token,omitzero"` // of a guest who begins, and never again
}

// SessionIdentity is who the caller is.
type SessionIdentity struct {
	ID   string    `json:"id"`
	Role chat.Role `json:"role"`
	Name *string   `json:"name"`
}

// SessionRealtime is what pusher-js is made of.
type SessionRealtime struct {
	realtime.Connection
	AuthEndpoint string `json:"authEndpoint"`
}

// SessionLimits are what a frontend checks before it asks.
type SessionLimits struct {
	BodyCodePoints int               `json:"bodyCodePoints"`
	PageSize       int               `json:"pageSize"`
	Attachment     *AttachmentLimits `json:"attachment"` // nil: this deployment takes none
}

// AttachmentLimits are what a frontend checks before it sends a file along.
type AttachmentLimits struct {
	MaxBytes      int64 `json:"maxBytes"` // of each
	MaxPerMessage int   `json:"maxPerMessage"`
}

// Session tells a caller about itself.
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
