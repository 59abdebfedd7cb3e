package app

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"devinbox/pkg/chat"
)

const (
	// browsersEvery is how often an instance asks the object store whether it accepts uploads of browsers.
	browsersEvery   = 10 * time.Minute
	browsersTimeout = time.Second
)

// browsers remembers when an instance last asked that.
type browsers struct {
	mu      sync.Mutex
	askedAt time.Time
}

// due returns whether it is time to ask again.
func (b *browsers) due() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.askedAt) < browsersEvery {
		return false
	}
	b.askedAt = time.Now()
	return true
}

// Health checks the dependencies; it is also down if the configuration is invalid. Every ten minutes it checks whether
// browsers may upload files to the object store, and logs an error if they may not.
// If a dependency fails it returns an error, together with the Health to show.
func (a *App) Health(ctx context.Context, r *http.Request) (chat.Health, error) {
	if err := a.usable(); err != nil {
		return chat.Health{Status: chat.Down}, err
	}
	health, err := a.Chat.Health(ctx)
	if err == nil && a.Files.Enabled() && a.browsers.due() {
		a.checkBrowsers(ctx, r)
	}
	return health, err
}

// checkBrowsers asks the object store about each origin whose pages upload files: this deployment's own, and those of
// CHAT_ALLOWED_ORIGINS.
func (a *App) checkBrowsers(ctx context.Context, r *http.Request) {
	ctx, cancel := context.WithTimeout(ctx, browsersTimeout)
	defer cancel()
	for _, origin := range append(ownOrigin(r), a.allowed...) {
		if strings.Contains(origin, "*") {
			continue // a pattern, not an origin
		}
		if err := a.Files.CheckBrowsers(ctx, origin); err != nil {
			a.log.Error("browsers cannot put files into the object store: its bucket needs a CORS configuration (docs/deploy.md)", "class", err.Error())
			return
		}
	}
}

// ownOrigin is the origin of this deployment's pages, if the request shows it: a monitor may use a URL that no browser
// uses.
func ownOrigin(r *http.Request) []string {
	switch host := r.Host; {
	case r.Header.Get("X-Forwarded-Proto") == "https":
		return []string{"https://" + host}
	case strings.HasPrefix(host, "localhost:"), strings.HasPrefix(host, "127.0.0.1:"):
		return []string{"http://" + host}
	default:
		return nil
	}
}
