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

// known admits callers with a valid credential.
func (a *App) known(ctx context.Context, r *http.Request) (chat.Identity, error) {
	me, err := a.authenticate(ctx, r)
	if err != nil {
		return chat.Identity{}, err
	}
	return me, a.usable()
}

// developer admits developers.
func (a *App) developer(ctx context.Context, r *http.Request) (chat.Identity, error) {
	me, err := a.known(ctx, r)
	if err != nil {
		return me, err
	}
	return me, me.RequireDeveloper()
}

// visitor admits callers with a valid credential, without one, or with an invalid devinbox session. The browser keeps an
// invalid session's cookie for 30 days, and would be rejected until it gets a new one. A session that cannot be checked
// now may be valid, so it is not admitted as nobody: the error is returned.
func (a *App) visitor(ctx context.Context, r *http.Request) (chat.Identity, error) {
	me, err := a.authenticate(ctx, r)
	kind := a.identity.Find(r).Kind
	nobody := kind == identity.None || kind == identity.Session
	if err != nil && !(nobody && chat.KindOf(err) == chat.Unauthorized) {
		return chat.Identity{}, err
	}
	return me, a.usable()
}

// anybody admits every caller, except another site's page that uses somebody's cookie.
func (a *App) anybody(_ context.Context, r *http.Request) (chat.Identity, error) {
	return chat.Identity{}, a.guard(r, a.identity.Find(r))
}

// cron admits callers with the cron's secret. Both sides are hashed, so that the comparison takes the same
// time for every length.
func (a *App) cron(_ context.Context, r *http.Request) (chat.Identity, error) {
	want := sha256.Sum256([]byte("Bearer " + a.cronSecret))
	got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	if a.cronSecret == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return chat.Identity{}, chat.Fail(chat.Unauthorized, "This is for the cron, which sends its secret.")
	}
	return chat.Identity{}, a.usable()
}

// authenticate returns who makes a request.
func (a *App) authenticate(ctx context.Context, r *http.Request) (chat.Identity, error) {
	credential := a.identity.Find(r)
	if err := a.guard(r, credential); err != nil {
		return chat.Identity{}, err
	}
	return a.identity.Verify(ctx, credential)
}

// guard rejects another site's page that uses somebody's cookie.
func (a *App) guard(r *http.Request, credential identity.Credential) error {
	if !credential.IsCookie() {
		return nil
	}
	return a.origins.GuardCookie(r)
}

// usable fails if the environment lacks something that every call needs. The log named it at the start.
func (a *App) usable() error {
	if a.fault == nil {
		return nil
	}
	return chat.Fail(chat.Unavailable, "This deployment is not configured yet. Its log says what is missing.").
		Because(errors.New("the environment cannot be used"))
}
