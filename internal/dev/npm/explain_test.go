package npm

import (
	"slices"
	"strings"
	"testing"
)

// npm's own words are shown once, without what only its authors can read.
func TestWhatNPMSaysIsToldOnceAndWithWhatHelps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, output string
		why          string // how it begins
		words        []string
	}{
		{
			name: "a registry that nothing listens at", // npm 11, as it printed it
			output: `npm error code ECONNREFUSED
npm error syscall connect
npm error errno ECONNREFUSED
npm error FetchError: request to http://127.0.0.1:1/one-1.0.0.tgz failed, reason: connect ECONNREFUSED 127.0.0.1:1
npm error     at ClientRequest.<anonymous> (/usr/lib/node_modules/npm/node_modules/minipass-fetch/lib/index.js:130:14)
npm error     at ClientRequest.emit (node:events:524:28)
npm error     at process.processTicksAndRejections (node:internal/process/task_queues:83:21) {
npm error   code: 'ECONNREFUSED',
npm error   port: 1,
npm error   type: 'system'
npm error }
npm error
npm error If you are behind a proxy, please make sure that the 'proxy' config is set properly.  See: 'npm help config'
npm error A complete log of this run can be found in: /tmp/_logs/2026-11-28T21_30_20_579Z-debug-0.log
`,
			why: "npm does not reach its registry. Check the network",
			words: []string{
				"request to http://127.0.0.1:1/one-1.0.0.tgz failed, reason: connect ECONNREFUSED 127.0.0.1:1",
				"If you are behind a proxy, please make sure that the 'proxy' config is set properly.  See: 'npm help config'",
			},
		},
		{
			name: "a host that there is not",
			output: `npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error errno ENOTFOUND
npm error network request to http://nowhere.invalid/two failed, reason: getaddrinfo ENOTFOUND nowhere.invalid
npm error network This is a problem related to network connectivity.
npm error network
npm error network This is a problem related to network connectivity.
`,
			why:   "npm does not reach its registry.",
			words: []string{"request to http://nowhere.invalid/two failed, reason: getaddrinfo ENOTFOUND nowhere.invalid", "This is a problem related to network connectivity."},
		},
		{
			name:   "a registry that fails, as an older npm says it",
			output: "npm ERR! code E503\nnpm ERR! 503 Service Unavailable - GET http://127.0.0.1:1/two\nnpm ERR! A complete log of this run can be found in: /tmp/x.log\n",
			why:    "npm's registry fails. Try again later", words: []string{"503 Service Unavailable - GET http://127.0.0.1:1/two"},
		},
		{
			name:   "no words of npm's",
			output: "\nsh: 1: node: not found\n",
			why:    "npm failed. Run it by hand", words: []string{"sh: 1: node: not found"},
		},
		{
			name:   "many words",
			output: "npm error code EACCES\nnpm error 1\nnpm error 2\nnpm error 3\nnpm error 4\nnpm error 5\nnpm error 6\nnpm error 7\n",
			why:    "npm is not allowed to write a file.", words: []string{"1", "2", "3", "4", "5", "6"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			why, words := Explain(test.output)
			if !strings.HasPrefix(why, test.why) || !slices.Equal(words, test.words) {
				t.Errorf("%s\n%q, want %q", why, words, test.words)
			}
		})
	}
}
