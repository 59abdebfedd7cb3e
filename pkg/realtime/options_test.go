package realtime_test

import (
	"slices"
	"strings"
	"testing"

	"devinbox/pkg/realtime"
)

func TestFaultsNameEverySettingAndNoValue(t *testing.T) {
	t.Parallel()
	good := func(change func(*realtime.Options)) realtime.Options {
		o := realtime.Options{AppID: appID, Key: key, Secret: secret, Cluster: "eu"}
		change(&o)
		return o
	}
	host := func(name string) realtime.Options {
		return good(func(o *realtime.Options) { o.Cluster, o.Host = "", name })
	}
	port := func(port string) realtime.Options {
		return good(func(o *realtime.Options) { o.Host, o.Port = "localhost", port })
	}
	for _, test := range []struct {
		options realtime.Options
		want    string // the names of the fields to blame
	}{
		{good(func(*realtime.Options) {}), ""},
		{good(func(o *realtime.Options) { o.AppID, o.Key, o.Secret = "app-id", "app_key", "app-secret" }), ""},
		{good(func(o *realtime.Options) { o.Port = "443" }), ""},
		{good(func(o *realtime.Options) { o.Host, o.Port, o.NoTLS = "localhost", "6001", true }), ""},
		{realtime.Options{}, "AppID Key Secret Cluster"},
		{good(func(o *realtime.Options) { o.AppID = "1 2" }), "AppID"},
		{good(func(o *realtime.Options) { o.AppID = "../3" }), "AppID"},
		{good(func(o *realtime.Options) { o.Key = "canary&x=" }), "Key"},
		{good(func(o *realtime.Options) { o.Key = " canary" }), "Key"},
		{good(func(o *realtime.Options) { o.Secret = "canary\n" }), "Secret"},
		{good(func(o *realtime.Options) { o.Secret = `"canary"` }), "Secret"},
		{good(func(o *realtime.Options) { o.Cluster = "eu.pusher.com/" }), "Cluster"},
		{good(func(o *realtime.Options) { o.Cluster = "eu canary"; o.Host = "localhost" }), "Cluster"},
		{good(func(o *realtime.Options) { o.NoTLS = true }), "NoTLS"},
		{good(func(o *realtime.Options) { o.Port = "0" }), "Port"},
		{host("127.0.0.1"), ""}, {host("::1"), ""}, {host("pusher_server"), ""}, {host("ws.example.com"), ""},
		{host("https://canary.example"), "Host"}, {host("canary.example/x"), "Host"}, {host("canary:6001"), "Host"},
		{host("[::1]"), "Host"}, {host("fe80::1%canary"), "Host"}, {host("user@canary"), "Host"}, {host("canary."), "Host"}, {host(" "), "Host"},
		{port("1"), ""}, {port("65535"), ""},
		{port("65536"), "Port"}, {port("-1"), "Port"}, {port("+1"), "Port"}, {port("http"), "Port"}, {port(" 80"), "Port"},
	} {
		var got []string
		for _, f := range test.options.Faults() {
			got = append(got, f.Name)
			if strings.Contains(f.Message, "canary") || f.Message == "" {
				t.Errorf("%s %s", f.Name, f.Message)
			}
		}
		if want := strings.Fields(test.want); !slices.Equal(got, want) {
			t.Errorf("%+v: %q, want %q", test.options, got, want)
		}
		if enabled := realtime.New(test.options).Enabled(); enabled != (test.want == "") {
			t.Errorf("%+v: enabled %v", test.options, enabled)
		}
	}
}
