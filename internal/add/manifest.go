package add

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// manifestName is the file in which a run tells the next one what it has written.
const manifestName = ".devinbox.json"

type manifest struct {
	Module    string            `json:"module"`
	Version   string            `json:"version,omitempty"`
	Files     map[string]string `json:"files"` // SHA-256 by name
	Merged    merged            `json:"vercel.json"`
	Variables string            `json:".env.example"` // SHA-256 of the part that is devinbox's
}

// merged is what was put into the project's vercel.json.
type merged struct {
	BuildEnv  jsontext.Value `json:"build.env,omitempty"`
	Functions jsontext.Value `json:"functions,omitempty"`
	Crons     jsontext.Value `json:"crons,omitempty"` // by path
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (m manifest) text() ([]byte, error) {
	text, err := json.Marshal(m, json.Deterministic(true), jsontext.WithIndent("  "))
	return append(text, '\n'), err
}

func (p *plan) readManifest() error {
	text := p.read(manifestName)
	if text == nil {
		return nil
	}
	if err := json.Unmarshal(text, &p.former); err != nil {
		return &Refusal{[]string{manifestName + " cannot be read: bring back the one that devinbox wrote"}}
	}
	return nil
}
