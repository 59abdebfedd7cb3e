// Gateway is only versitygw's S3 server over a folder, without the administration, the accounts and the other stores of
// its own command. That is a quarter of the program, and all of it is built before the first test.
//
//	gateway 127.0.0.1:PORT REGION FOLDER
//
// The key pair is in ROOT_ACCESS_KEY and ROOT_SECRET_KEY. It prints "serving" when it is ready, and ends when its
// standard input is closed: so it does not outlive the test that started it.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

func main() {
	address, region, folder := os.Args[1], os.Args[2], os.Args[3]
	root := middlewares.RootUserConfig{Access: os.Getenv("ROOT_ACCESS_KEY"), Secret: os.Getenv("ROOT_SECRET_KEY")}
	data, about, people := filepath.Join(folder, "data"), filepath.Join(folder, "about"), filepath.Join(folder, "people")
	for _, dir := range []string{data, about, people} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			log.Fatal(err)
		}
	}
	beside, err := meta.NewSideCar(about) // not every file system has extended attributes
	if err != nil {
		log.Fatal(err)
	}
	store, err := posix.New(data, beside, posix.PosixOpts{SideCarDir: about})
	if err != nil {
		log.Fatal(err)
	}
	accounts, err := auth.NewInternal(auth.Account{Access: root.Access, Secret: root.Secret, Role: auth.RoleAdmin}, people)
	if err != nil {
		log.Fatal(err)
	}
	server, err := s3api.New(store, root, region, accounts, nil, nil, nil, nil,
		s3api.WithQuiet(), s3api.WithConcurrencyLimiter(1000, 1000), s3api.WithMpMaxParts(10000),
		// Connections are not kept, as by default: after some refusals 1.8.0 takes the rest of a body for the next request.
		s3api.WithOnListen(func() { fmt.Println("serving") }))
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(server.ServeMultiPort([]string{address}))
}
