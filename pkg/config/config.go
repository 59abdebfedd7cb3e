// Package config reads every environment variable that devinbox knows, in one place, and reports all faults at once.
// It opens nothing. Each value is part of the options of another package, and that package decides what it means.
package config

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/files"
	"devinbox/pkg/identity"
	"devinbox/pkg/postgres"
	"devinbox/pkg/realtime"
	"devinbox/pkg/web"
	"devinbox/pkg/webhook"
)

// Config is what the environment says: the options of each package, and what is for package app alone.
type Config struct {
	Database          postgres.Options // what functions connect to
	DatabaseFaults    error            // a [Fault] if the database's variable is missing or malformed
	DatabaseVariable  string           // the variable that it comes from, or would come from
	MigrationURL      string           // what migrations connect to: the unpooled URL if there is one
	MigrationVariable string           // the variable that it comes from
	MigrationFaults   error            // a [Fault] if that variable is missing or malformed

	Pusher       realtime.Options
	PusherFaults error // a [Fault] for each of Pusher's variables that is missing or malformed, joined

	Identity       identity.Options
	Guests         bool     // whether somebody without a credential may begin as a guest
	AllowedOrigins []string // what [web.NewOrigins] takes
	RateLimit      chat.RateLimit
	CronSecret     string // empty: nobody may call the cron's function
	CronFault      error  // a [Fault] if the cron's secret is missing or too short; then CronSecret is empty

	Webhook       webhook.Options
	WebhookFaults error         // a [Fault] for each of the webhooks' variables that is malformed, joined; then Webhook is empty
	UnreadAfter   time.Duration // when message.unread is due; 0 is never

	Files       files.Options
	FilesFaults error // a [Fault] for each of the object store's variables that is missing or malformed, joined; then Files is empty
}

// minCronSecretBytes is how long CRON_SECRET must be at least: the function that it opens can be called from anywhere.
const minCronSecretBytes = 16

// defaultRateLimit is CHAT_RATE_LIMIT if it is not set.
const defaultRateLimit = "30/10s"

// defaultUnreadAfter is CHAT_UNREAD_AFTER if it is not set.
const defaultUnreadAfter = 10 * time.Minute

// CHAT_ATTACHMENT_MAX_MB if it is not set, and the most that it can be: what a store takes in one piece.
const (
	defaultAttachmentMB = 25
	maxAttachmentMB     = 5000
)

// Fault is one variable that cannot be used. It never holds the value.
type Fault struct {
	Variable string
	Message  string
}

// Quoted tells whether a value has quotation marks around it. In an environment file they are no part of the value; in a
// dashboard, such as Vercel's, they are.
func Quoted(value string) bool {
	value = strings.TrimSpace(value)
	for _, marks := range []string{`""`, "''", "``", "“”", "‘’", "„“"} {
		first, last := []rune(marks)[0], []rune(marks)[1]
		rest, begins := strings.CutPrefix(value, string(first))
		if begins && strings.HasSuffix(rest, string(last)) {
			return true
		}
	}
	return false
}

// Error is the fault as a sentence.
func (f Fault) Error() string { return f.Variable + " " + f.Message }

// Load reads a Config by looking variables up, as os.Getenv does. Surrounding white space, which is easily
// pasted along, is cut off.
//
// The error joins one [Fault] for each variable that is malformed, but for the database's, Pusher's, the cron's, the
// webhooks' and the object store's: those stand in the Config, since a command may not need the first, and messages are
// saved and served without the others.
// Any other variable may be missing.
func Load(lookup func(name string) string) (Config, error) {
	var c Config
	e := newEnvironment(lookup)

	e.text(&c.Database.URL, "DATABASE_URL", "POSTGRES_URL")
	e.text(&c.MigrationURL, "DATABASE_URL_UNPOOLED", "POSTGRES_URL_NON_POOLING")

	e.text(&c.Pusher.AppID, "PUSHER_APP_ID")
	e.text(&c.Pusher.Key, "NEXT_PUBLIC_PUSHER_KEY", "PUSHER_KEY")
	e.text(&c.Pusher.Secret, "PUSHER_SECRET")
	e.text(&c.Pusher.Cluster, "NEXT_PUBLIC_PUSHER_CLUSTER", "PUSHER_CLUSTER")
	e.text(&c.Pusher.Host, "PUSHER_HOST")
	e.text(&c.Pusher.Port, "PUSHER_PORT")
	useTLS := e.boolean(&c.Pusher.NoTLS, "PUSHER_USE_TLS", "false")
	e.channels(&c.Pusher.Channels, "CHAT_CHANNELS")

	e.secret(&c.Identity.Secret, "CHAT_JWT_SECRET")
	e.secret(&c.Identity.PreviousSecret, "CHAT_JWT_SECRET_PREVIOUS")
	e.text(&c.Identity.JWKSURL, "CHAT_JWKS_URL")
	e.text(&c.Identity.Issuer, "CHAT_JWT_ISSUER")
	e.text(&c.Identity.Audience, "CHAT_JWT_AUDIENCE")
	e.text(&c.Identity.IDClaim, "CHAT_ID_CLAIM")
	e.text(&c.Identity.RoleClaim, "CHAT_ROLE_CLAIM")
	e.isTrue(&c.Identity.AuthJS, "CHAT_AUTHJS")
	e.rotated(&c.Identity.AuthSecrets, "AUTH_SECRET", "AUTH_SECRET_1", "AUTH_SECRET_2", "AUTH_SECRET_3")
	e.list(&c.Identity.Developers, "CHAT_DEVELOPERS")
	c.Identity.Fits = c.Pusher.Channels.Fits

	e.isTrue(&c.Guests, "CHAT_GUESTS")
	e.list(&c.AllowedOrigins, "CHAT_ALLOWED_ORIGINS")
	e.rateLimit(&c.RateLimit, "CHAT_RATE_LIMIT")
	e.cronSecret(&c)
	e.webhooks(&c)
	e.files(&c)

	c.DatabaseVariable, c.MigrationVariable = e.names[&c.Database.URL], e.names[&c.MigrationURL]
	c.DatabaseFaults = errors.Join(e.faultsOf(&c.Database)...)
	if c.MigrationURL == "" {
		c.MigrationURL, c.MigrationVariable, c.MigrationFaults = c.Database.URL, c.DatabaseVariable, c.DatabaseFaults
	} else {
		c.MigrationFaults = e.faultOfURL(&c.MigrationURL)
		if c.Database.URL == "" { // it may have been meant for both
			c.DatabaseFaults = errors.Join(Fault{e.names[&c.Database.URL], "is missing, though " + e.names[&c.MigrationURL] + ", which is for migrations only, is set: set both, or " + e.names[&c.Database.URL] + " alone"})
		}
	}
	c.PusherFaults = errors.Join(append(e.faultsOf(&c.Pusher), useTLS)...)
	if useTLS != nil { // nobody knows how to reach it
		c.Pusher = realtime.Options{Channels: c.Pusher.Channels}
	}
	if _, err := web.NewOrigins(c.AllowedOrigins); err != nil {
		e.fault(&c.AllowedOrigins, err.Error())
	}
	return c, errors.Join(append(e.faults, e.faultsOf(&c.Identity)...)...)
}

// environment reads variables into fields. It remembers which variable fills which field, so that the name of
// each stands in one place, and which values cannot be read.
type environment struct {
	lookup func(string) string
	names  map[any]string  // by the pointer to the field; of several names the one that is set, or else the first
	quoted map[string]bool // the variables whose values have quotation marks around them
	faults []error
}

func newEnvironment(lookup func(string) string) *environment {
	return &environment{lookup: lookup, names: map[any]string{}, quoted: map[string]bool{}}
}

// read looks a field's variables up, every one of them, and returns the first value that is set.
func (e *environment) read(field any, names ...string) string {
	e.names[field] = names[0]
	var found string
	for _, name := range names {
		if value := strings.TrimSpace(e.lookup(name)); found == "" && value != "" {
			found, e.names[field], e.quoted[name] = value, name, Quoted(value)
		}
	}
	return found
}

// faultOfURL is what is wrong with the URL of a database that a field holds, as a [Fault], or nil.
func (e *environment) faultOfURL(field *string) error {
	if err := postgres.CheckURL(*field); err != nil {
		return errors.Join(e.faultOf(field, err.Error()))
	}
	return nil
}

// faultOf is what is wrong with the variable of a field, and that its quotation marks are part of the value, which may
// be all that is wrong.
func (e *environment) faultOf(field any, message string) Fault {
	name := e.names[field]
	if e.quoted[name] && !strings.Contains(message, "quotation marks") {
		message += "; it has quotation marks around it: write it without them"
	}
	return Fault{name, message}
}

// fault notes that the variable of a field cannot be used.
func (e *environment) fault(field any, message string) {
	e.faults = append(e.faults, e.faultOf(field, message))
}

// faultsOf is what a package finds in its options, named by variable where the package names the field.
// options is a pointer to the struct whose fields were read.
func (e *environment) faultsOf(options interface{ Faults() []chat.Field }) (faults []error) {
	for _, f := range options.Faults() {
		name, element, isElement := strings.Cut(f.Name, ".") // AuthSecrets.1 is the second of AuthSecrets
		field := reflect.ValueOf(options).Elem().FieldByName(name)
		if i, err := strconv.Atoi(element); isElement && err == nil {
			field = field.Index(i)
		}
		faults = append(faults, e.faultOf(field.Addr().Interface(), f.Message))
	}
	return faults
}

func (e *environment) text(field *string, names ...string) { *field = e.read(field, names...) }

func (e *environment) secret(field *[]byte, name string) {
	if text := e.read(field, name); text != "" {
		*field = []byte(text)
	}
}

// isTrue reads true or false; if nothing is set the field stays false.
func (e *environment) isTrue(field *bool, name string) {
	if fault := e.boolean(field, name, "true"); fault != nil {
		e.faults = append(e.faults, fault)
	}
}

// boolean reads true or false, and sets the field if the variable says yes. Its error is a [Fault].
func (e *environment) boolean(field *bool, name, yes string) error {
	switch text := strings.ToLower(e.read(field, name)); text {
	case "", "true", "false":
		*field = text == yes
		return nil
	default:
		return e.faultOf(field, "must be true or false")
	}
}

// list reads entries with commas between them.
func (e *environment) list(field *[]string, name string) {
	for entry := range strings.SplitSeq(e.read(field, name), ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			*field = append(*field, entry)
		}
	}
}

// rotated reads a secret and those that follow it. The newest, which is the last that is set, comes first:
// Auth.js encrypts with it and still reads what it encrypted with the others. Each has its own variable to blame.
func (e *environment) rotated(field *[]string, names ...string) {
	var from []string
	for _, name := range slices.Backward(names) {
		if secret := e.read(field, name); secret != "" {
			*field, from = append(*field, secret), append(from, name)
		}
	}
	for i, name := range from {
		e.names[&(*field)[i]] = name
	}
}

// cronSecret reads CRON_SECRET. One that is too short counts as missing.
func (e *environment) cronSecret(c *Config) {
	const name = "CRON_SECRET"
	switch secret := e.read(&c.CronSecret, name); {
	case secret == "":
		c.CronFault = Fault{name, "is missing"}
	case len(secret) < minCronSecretBytes:
		c.CronFault = e.faultOf(&c.CronSecret, "must have at least 16 bytes")
	default:
		c.CronSecret = secret
	}
}

// webhooks reads who receives webhooks. What cannot be used here stops them and nothing else.
func (e *environment) webhooks(c *Config) {
	e.text(&c.Webhook.URL, "CHAT_WEBHOOK_URL")
	e.text(&c.Webhook.Secret, "CHAT_WEBHOOK_SECRET")
	faults := e.faultsOf(&c.Webhook)
	c.UnreadAfter = defaultUnreadAfter
	if text := e.read(&c.UnreadAfter, "CHAT_UNREAD_AFTER"); text != "" {
		after, err := time.ParseDuration(text)
		if err != nil || after < 0 {
			faults = append(faults, e.faultOf(&c.UnreadAfter, "must be a duration such as 10m, or 0 for never"))
		}
		c.UnreadAfter = after
	}
	if len(faults) > 0 {
		c.WebhookFaults = errors.Join(faults...)
		c.Webhook = webhook.Options{}
	}
}

// files reads where the object store is. What cannot be used here stops files and nothing else.
func (e *environment) files(c *Config) {
	e.text(&c.Files.Endpoint, "S3_ENDPOINT")
	e.text(&c.Files.Region, "S3_REGION")
	e.text(&c.Files.Bucket, "S3_BUCKET")
	e.text(&c.Files.AccessKeyID, "S3_ACCESS_KEY_ID")
	e.text(&c.Files.SecretAccessKey, "S3_SECRET_ACCESS_KEY")
	faults := e.faultsOf(&c.Files)
	megabytes := uint64(defaultAttachmentMB)
	if text := e.read(&c.Files.MaxBytes, "CHAT_ATTACHMENT_MAX_MB"); text != "" {
		var err error
		if megabytes, err = strconv.ParseUint(text, 10, 64); err != nil || megabytes < 1 || megabytes > maxAttachmentMB {
			faults = append(faults, e.faultOf(&c.Files.MaxBytes, "must be a whole number of megabytes from 1 to 5000"))
		}
	}
	c.Files.MaxBytes = int64(megabytes) << 20
	c.FilesFaults = errors.Join(faults...)
	if c.FilesFaults != nil || !c.Files.IsSet() {
		c.Files = files.Options{}
	}
}

func (e *environment) channels(field *realtime.Channels, name string) {
	channels, ok := realtime.ParseChannels(e.read(field, name))
	if !ok {
		e.fault(field, "must be private, presence or public")
	}
	*field = channels
}

// rateLimit reads COUNT/DURATION, such as 30/10s: a bucket of COUNT that refills in DURATION. 0 means no limit.
func (e *environment) rateLimit(field *chat.RateLimit, name string) {
	text := e.read(field, name)
	switch text {
	case "0":
		return
	case "":
		text = defaultRateLimit
	}
	count, duration, _ := strings.Cut(text, "/")
	capacity, err := strconv.ParseUint(count, 10, 31)
	every, err2 := time.ParseDuration(duration)
	if err != nil || err2 != nil || capacity == 0 || every <= 0 {
		e.fault(field, "must be a count and a duration such as 30/10s, or 0 for no limit")
		return
	}
	*field = chat.RateLimit{Capacity: float64(capacity), PerSecond: float64(capacity) / every.Seconds()}
}
