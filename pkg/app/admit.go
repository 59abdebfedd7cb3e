package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

// known admits whoever has a good credential.
func (a *App) known(ctx context.Context, r *http.Request) (chat.Identity, error) {
	me, err := a.authenticate(ctx, r)
	if err != nil {
		return chat.Identity{}, err
	}
	return me, a.usable()
}

// developer admits whoever has a good credential of a developer.
func (a *App) developer(ctx context.Context, r *http.Request) (chat.Identity, error) {
	me, err := a.known(ctx, r)
	if err != nil {
		return me, err
	}
	return me, me.RequireDeveloper()
}

// visitor admits whoever has a good credential, or none, or a session of ours that is not good for any reason: a
// browser keeps that cookie for 30 days, and nothing but a new one would end the refusals. A session that cannot be
// checked now may be good, and is no such reason.
func (a *App) visitor(ctx context.Context, r *http.Request) (chat.Identity, error) {
	me, err := a.authenticate(ctx, r)
	kind := a.identity.Find(r).Kind
	nobody := kind == identity.None || kind == identity.Session
	if err != nil && !(nobody && chat.KindOf(err) == chat.Unauthorized) {
		return chat.Identity{}, err
	}
	return me, a.usable()
}

// anybody admits everybody, but for another site's page that uses somebody's cookie.
func (a *App) anybody(_ context.Context, r *http.Request) (chat.Identity, error) {
	return chat.Identity{}, a.guard(r, a.identity.Find(r))
}

// cron admits whoever has the cron's secret. Both sides are hashed, so that the comparison takes the same
// time whatever their lengths.
func (a *App) cron(_ context.Context, r *http.Request) (chat.Identity, error) {
	want := sha256.Sum256([]byte("Bearer " + a.cronSecret))
	got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	if a.cronSecret == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return chat.Identity{}, chat.Fail(chat.Unauthorized, "This is for the cron, which sends its secret.")
	}
	return chat.Identity{}, a.usable()
}

// authenticate finds out who makes a request.
func (a *App) authenticate(ctx context.Context, r *http.Request) (chat.Identity, error) {
	credential := a.identity.Find(r)
	if err := a.guard(r, credential); err != nil {
		return chat.Identity{}, err
	}
	return a.identity.Verify(ctx, credential)
}

// guard refuses another site's page that uses somebody's cookie.
func (a *App) guard(r *http.Request, credential identity.Credential) error {
	if !credential.IsCookie() {
		return nil
	}
	return a.origins.GuardCookie(r)
}

// usable fails while the environment lacks something that nothing can be done without. The log said at the
// start what it is.
func (a *App) usable() error {
	if a.fault == nil {
		return nil
	}
	return chat.Fail(chat.Unavailable, "This deployment is not configured yet. Its log says what is missing.").
		Because(errors.New("the environment cannot be used"))
}
