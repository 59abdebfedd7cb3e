package webhook_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"devinbox/pkg/webhook"
)

func TestWebhooksGoToHTTPSOrToThisMachine(t *testing.T) {
	t.Parallel()
	for url, fault := range map[string]string{
		"https://example.com/api/webhooks?x=y": "",
		"https://127.0.0.1:8443/":              "",
		"http://127.0.0.1:3000/hooks":          "",
		"http://127.9.9.9/hooks":               "",
		"http://[::1]:3000":                    "",
		"http://localhost:3000/hooks":          "",
		"http://LOCALHOST/hooks":               "",
		"http://example.com/canary":            "must begin with https://",
		"http://10.0.0.5/canary":               "must begin with https://",
		"http://169.254.169.254/canary":        "must begin with https://",
		"http://0.0.0.0/canary":                "must begin with https://",
		"http://localhost.example.com/canary":  "must begin with https://",
		"http://[::ffff:10.0.0.5]/canary":      "must begin with https://",
		"http://2130706433/canary":             "must begin with https://",
		"ftp://localhost/canary":               "must begin with https://",
		"https://user:canary@example.com/":     "must not contain a user or a password",
		"https://example.com/#canary":          "must not contain a fragment",
		"https://":                             "must be a URL",
		"canary":                               "must be a URL",
		"https:canary":                         "must be a URL",
		"https://exa mple.com":                 "must be a URL",
	} {
		faults := webhook.Options{URL: url, Secret: secretOf(24)}.Faults()
		if fault == "" && len(faults) != 0 {
			t.Errorf("%s: %v", url, faults)
		}
		if fault != "" && (len(faults) != 1 || faults[0].Name != "URL" || !strings.HasPrefix(faults[0].Message, fault) || strings.Contains(faults[0].Message, "canary")) {
			t.Errorf("%s: %v, want %s", url, faults, fault)
		}
	}
}

func secretOf(bytes int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", bytes)))
}

func TestASecretIsOfTheStandardsForm(t *testing.T) {
	t.Parallel()
	for secret, fault := range map[string]string{
		secretOf(24):                      "",
		secretOf(64):                      "",
		secretOf(32) + " " + secretOf(24): "",
		"":                                "is missing",
		secretOf(23):                      "must be whsec_",
		secretOf(65):                      "must be whsec_",
		strings.TrimPrefix(secretOf(32), "whsec_"): "must be whsec_",
		"whsec_canary!":          "must be whsec_",
		secretOf(32) + " canary": "must be whsec_",
		secretOf(32) + " " + secretOf(32) + " " + secretOf(32): "must contain one secret, or two",
	} {
		faults := webhook.Options{URL: "https://example.com", Secret: secret}.Faults()
		if fault == "" && len(faults) != 0 {
			t.Errorf("%s: %v", secret, faults)
		}
		if fault != "" && (len(faults) != 1 || faults[0].Name != "Secret" || !strings.HasPrefix(faults[0].Message, fault) || strings.Contains(faults[0].Message, "canary")) {
			t.Errorf("%s: %v, want %s", secret, faults, fault)
		}
	}
	for _, o := range []webhook.Options{{}, {Secret: "canary"}, {URL: "http://example.com", Secret: secretOf(24)}, {URL: "https://example.com"}} {
		if webhook.New(o).Enabled() {
			t.Errorf("%+v is enabled", o)
		}
	}
}
