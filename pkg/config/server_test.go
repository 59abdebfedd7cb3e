package config_test

import (
	"strings"
	"testing"

	"devinbox/pkg/config"
)

func TestAServerIsWhatItsVariablesSay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		variables map[string]string
		want      config.Server
	}{
		{"nothing is set", nil, config.Server{Port: 3000, PoolMax: 10}},
		{"everything is set", map[string]string{"PORT": " 8080\n", "DATABASE_POOL_MAX": "40", "CHAT_TRUST_PROXY": "TRUE"}, config.Server{Port: 8080, PoolMax: 40, TrustProxy: true}},
		{"the limits", map[string]string{"PORT": "65535", "DATABASE_POOL_MAX": "1", "CHAT_TRUST_PROXY": "false"}, config.Server{Port: 65535, PoolMax: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := config.LoadServer(func(name string) string { return test.variables[name] })
			if err != nil || got != test.want {
				t.Errorf("%+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestEveryFaultOfAServerIsToldAtOnceAndWithoutItsValue(t *testing.T) {
	t.Parallel()
	for _, faulty := range []map[string]string{
		{"PORT": "canary", "DATABASE_POOL_MAX": "canary", "CHAT_TRUST_PROXY": "canary"},
		{"PORT": "0", "DATABASE_POOL_MAX": "0", "CHAT_TRUST_PROXY": "1"},
		{"PORT": "65536", "DATABASE_POOL_MAX": "1001", "CHAT_TRUST_PROXY": "yes"},
		{"PORT": "-1", "DATABASE_POOL_MAX": "-1", "CHAT_TRUST_PROXY": "10.0.0.0/8"},
		{"PORT": "+80", "DATABASE_POOL_MAX": "10.5", "CHAT_TRUST_PROXY": "all"},
	} {
		s, err := config.LoadServer(func(name string) string { return faulty[name] })
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Fatalf("%v: %v", faulty, err)
		}
		for name := range faulty {
			if strings.Count(err.Error(), name+" must be") != 1 {
				t.Errorf("%v: %s is not named once: %v", faulty, name, err)
			}
		}
		if s.TrustProxy {
			t.Errorf("%v: it trusts", faulty)
		}
	}
}
