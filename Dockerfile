# devinbox serve in an image of its own: docs/without-vercel.md. A test runs the line that builds the program.
FROM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY api api
COPY cmd cmd
COPY internal internal
COPY pkg pkg
RUN CGO_ENABLED=0 go build -ldflags=-s -o /devinbox ./cmd/devinbox

FROM scratch
# The certificates of public authorities: for TLS to the database, Pusher, the object store and receivers of webhooks.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /devinbox /
# By this file devinbox migrate knows that it is in the project.
COPY vercel.json /
# Nobody. There is no file that it could write.
USER 65534:65534
EXPOSE 3000
ENTRYPOINT ["/devinbox"]
CMD ["serve"]
