// Package config reads the environment: every variable that devinbox knows, in one place, with all faults
// at once. It opens nothing and decides nothing; what a value means is for the package that is made of it.
package config

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"devinbox/pkg/chat"
)

// Config is what the environment says.
type Config struct {
	DatabaseURL  string // what functions connect to; may be a pooler in transaction mode
	MigrationURL string // what migrations connect to: the unpooled one where there is one

	Pusher   Pusher
	Channels string // CHAT_CHANNELS: private, presence or public; empty for private

	Identity       Identity
	Guests         bool
	AllowedOrigins []string
	RateLimit      chat.RateLimit // of clients' sends
	CronSecret     string         // empty: nobody may call the cron's function
}

// Pusher is the app on Pusher, or on a server of one's own that speaks its protocol.
type Pusher struct {
	AppID, Key, Secret, Cluster string
	Host, Port                  string
	NoTLS                       bool
}

// Identity is how callers are recognised.
type Identity struct {
	Secret             string   // CHAT_JWT_SECRET
	JWKSURL            string   // CHAT_JWKS_URL
	Issuer, Audience   string   // CHAT_JWT_ISSUER, CHAT_JWT_AUDIENCE
	IDClaim, RoleClaim string   // CHAT_ID_CLAIM, CHAT_ROLE_CLAIM
	AuthJS             bool     // CHAT_AUTHJS
	AuthSecrets        []string // AUTH_SECRET and AUTH_SECRET_1 … 3, the newest first
	Developers         []string // CHAT_DEVELOPERS: ids, or verified e-mails
}

// defaultRateLimit is CHAT_RATE_LIMIT where it is not set.
const defaultRateLimit = "30/10s"

// Fault is one variable that cannot be used. It never holds the value.
type Fault struct {
	Variable string
	Message  string
}

// Error is the fault as a sentence.
func (f Fault) Error() string { return f.Variable + " " + f.Message }

// Load reads a Config by looking variables up, as os.Getenv does. Surrounding white space, which is easily
// pasted along, is cut off. The error joins one [Fault] for each variable that cannot be read; what is merely
// missing is empty in the Config.
func Load(lookup func(name string) string) (Config, error) {
	e := &environment{lookup: lookup}
	c := Config{
		DatabaseURL: e.text("DATABASE_URL", "POSTGRES_URL"),
		Pusher: Pusher{
			AppID:   e.text("PUSHER_APP_ID"),
			Key:     e.text("NEXT_PUBLIC_PUSHER_KEY", "PUSHER_KEY"),
			Secret:  e.text("PUSHER_SECRET"),
			Cluster: e.text("NEXT_PUBLIC_PUSHER_CLUSTER", "PUSHER_CLUSTER"),
			Host:    e.text("PUSHER_HOST"),
			Port:    e.text("PUSHER_PORT"),
			NoTLS:   !e.boolean("PUSHER_USE_TLS", true),
		},
		Channels: e.text("CHAT_CHANNELS"),
		Identity: Identity{
			Secret:     e.text("CHAT_JWT_SECRET"),
			JWKSURL:    e.text("CHAT_JWKS_URL"),
			Issuer:     e.text("CHAT_JWT_ISSUER"),
			Audience:   e.text("CHAT_JWT_AUDIENCE"),
			IDClaim:    e.text("CHAT_ID_CLAIM"),
			RoleClaim:  e.text("CHAT_ROLE_CLAIM"),
			AuthJS:     e.boolean("CHAT_AUTHJS", false),
			Developers: e.list("CHAT_DEVELOPERS"),
		},
		Guests:         e.boolean("CHAT_GUESTS", false),
		AllowedOrigins: e.list("CHAT_ALLOWED_ORIGINS"),
		RateLimit:      e.rateLimit("CHAT_RATE_LIMIT"),
		CronSecret:     e.text("CRON_SECRET"),
	}
	c.MigrationURL = e.text("DATABASE_URL_UNPOOLED", "POSTGRES_URL_NON_POOLING")
	if c.MigrationURL == "" {
		c.MigrationURL = c.DatabaseURL
	}
	// Auth.js encrypts with the first of its secrets; the others are those that it had before.
	for _, name := range []string{"AUTH_SECRET_3", "AUTH_SECRET_2", "AUTH_SECRET_1", "AUTH_SECRET"} {
		if secret := e.text(name); secret != "" {
			c.Identity.AuthSecrets = append(c.Identity.AuthSecrets, secret)
		}
	}
	return c, errors.Join(e.faults...)
}

// environment looks variables up and remembers those that cannot be read.
type environment struct {
	lookup func(string) string
	faults []error
}

// text is the first of these variables that is set. Every one of them is looked up.
func (e *environment) text(names ...string) string {
	var found string
	for _, name := range names {
		if value := strings.TrimSpace(e.lookup(name)); found == "" {
			found = value
		}
	}
	return found
}

func (e *environment) fault(name, message string) {
	e.faults = append(e.faults, Fault{name, message})
}

func (e *environment) boolean(name string, fallback bool) bool {
	switch strings.ToLower(e.text(name)) {
	case "":
		return fallback
	case "true":
		return true
	case "false":
		return false
	default:
		e.fault(name, "must be true or false")
		return fallback
	}
}

func (e *environment) list(name string) []string {
	var entries []string
	for entry := range strings.SplitSeq(e.text(name), ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}

// rateLimit reads COUNT/DURATION, such as 30/10s: a bucket of so many, filled again in so long. 0 is none.
func (e *environment) rateLimit(name string) chat.RateLimit {
	text := e.text(name)
	switch text {
	case "0":
		return chat.RateLimit{}
	case "":
		text = defaultRateLimit
	}
	count, duration, _ := strings.Cut(text, "/")
	capacity, err := strconv.ParseUint(count, 10, 31)
	every, err2 := time.ParseDuration(duration)
	if err != nil || err2 != nil || capacity == 0 || every <= 0 {
		e.fault(name, "must be a count and a duration such as 30/10s, or 0 for no limit")
		return chat.RateLimit{}
	}
	return chat.RateLimit{Capacity: float64(capacity), PerSecond: float64(capacity) / every.Seconds()}
}
