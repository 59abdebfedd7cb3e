//go:build tools

// Package pkg holds nothing but the versions of what Vercel's builder adds to every function.
// Without these imports the builder would take whatever is newest on the day of the build.
package pkg

import (
	_ "github.com/aws/aws-lambda-go/lambda"
	_ "github.com/vercel/go-bridge/go/bridge"
)
