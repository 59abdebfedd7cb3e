package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

// Guest is what somebody without a credential says about themselves.
type Guest struct {
	Name  *string `json:"name"`
	Email *string `json:"email"`
}

// Guests returns whether somebody without a credential may begin as a guest.
func (a *App) Guests() bool { return a.guests }

// StartSession makes a guest a client, with an id that nobody has or can guess, a token, and the cookie that holds it.
// Errors: RateLimited if too many have begun from the same IP address; those of the Store.
func (a *App) StartSession(ctx context.Context, r *http.Request, guest Guest) (s Session, cookie string, err error) {
	if err := a.Chat.AdmitGuest(ctx, a.addressDigest(r)); err != nil {
		return Session{}, "", err
	}
	me := chat.Identity{ID: identity.NewGuestID(), Role: chat.Client}
	if guest.Name != nil {
		me.Name = chat.CleanName(*guest.Name)
	}
	if guest.Email != nil {
		me.Email = chat.CleanEmail(*guest.Email)
	}
	token, err := a.identity.Mint(me, identity.SessionLifetime)
	if err != nil {
		return Session{}, "", err
	}
	s = a.Session(me)
	s.Token = token
	return s, identity.NewSession(r, token).String(), nil
}

// EndSession returns the cookie that removes the session from the browser.
func EndSession(r *http.Request) string { return identity.EndSession(r).String() }

// addressDigest is a keyed hash of the caller's IP address. Vercel sets X-Real-Ip and overwrites what a caller sent;
// devinbox serve does the same, or removes the header if no proxy is trusted. Without the header it is the address of the
// connection. An IPv6 caller has many addresses, so the /64 network is hashed.
func (a *App) addressDigest(r *http.Request) []byte {
	text := strings.TrimSpace(r.Header.Get("X-Real-Ip"))
	if text == "" {
		text = r.RemoteAddr
		if host, _, err := net.SplitHostPort(text); err == nil {
			text = host
		}
	}
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap().WithZone("")
		if address.Is6() {
			network, _ := address.Prefix(64)
			text = network.String()
		} else {
			text = address.String()
		}
	}
	digest := hmac.New(sha256.New, a.secret)
	digest.Write([]byte(text))
	return digest.Sum(nil)
}
