package files

import (
	"fmt"
	"strings"
	"testing"
)

func TestOptionsNameEveryFaultAndNoValue(t *testing.T) {
	t.Parallel()
	good := Options{Endpoint: "https://s3.example.com/storage/v1/s3", Region: "auto", Bucket: "my-bucket.files", AccessKeyID: "AKIA/+=", SecretAccessKey: "s3cr/et+="}
	for _, test := range []struct {
		name   string
		change func(*Options)
		want   string // the fields that are blamed
	}{
		{"all of them right", func(*Options) {}, ""},
		{"none at all", func(o *Options) { *o = Options{MaxBytes: 1} }, ""},
		{"only one", func(o *Options) { *o = Options{Bucket: "bucket"} }, "Endpoint Region AccessKeyID SecretAccessKey"},
		{"no secret", func(o *Options) { o.SecretAccessKey = "" }, "SecretAccessKey"},
		{"loopback in the clear", func(o *Options) { o.Endpoint = "http://127.0.0.1:9000" }, ""},
		{"localhost in the clear", func(o *Options) { o.Endpoint = "http://LOCALHOST:9000" }, ""},
		{"another host in the clear", func(o *Options) { o.Endpoint = "http://canary.example.com" }, "Endpoint"},
		{"a host that only begins like this machine", func(o *Options) { o.Endpoint = "http://localhost.canary.com" }, "Endpoint"},
		{"no scheme", func(o *Options) { o.Endpoint = "canary.example.com" }, "Endpoint"},
		{"another scheme", func(o *Options) { o.Endpoint = "ftp://canary.example.com" }, "Endpoint"},
		{"a password", func(o *Options) { o.Endpoint = "https://canary:canary@example.com" }, "Endpoint"},
		{"a query", func(o *Options) { o.Endpoint = "https://example.com?canary" }, "Endpoint"},
		{"a path in the bucket", func(o *Options) { o.Bucket = "canary/other" }, "Bucket"},
		{"a way up in the bucket", func(o *Options) { o.Bucket = ".." }, "Bucket"},
		{"a region with a slash", func(o *Options) { o.Region = "canary/s3" }, "Region"},
		{"a key with a line break", func(o *Options) { o.AccessKeyID = "canary\nX" }, "AccessKeyID"},
		{"everything wrong", func(o *Options) { *o = Options{"canary", "canary/", "canary/", "c n", "c n", 0, nil, nil} }, "Endpoint Region Bucket AccessKeyID SecretAccessKey"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := good
			test.change(&o)
			var blamed []string
			for _, fault := range o.Faults() {
				blamed = append(blamed, fault.Name)
			}
			if got := strings.Join(blamed, " "); got != test.want || strings.Contains(fmt.Sprint(o.Faults()), "canary") {
				t.Errorf("blamed %q, want %q: %v", got, test.want, o.Faults())
			}
			if New(o).Enabled() != (test.want == "" && o.IsSet()) {
				t.Error("a store with faults is enabled, or one without is not")
			}
		})
	}
}
