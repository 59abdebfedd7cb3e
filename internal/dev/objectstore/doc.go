// Package objectstore is an object store for development and tests that speaks S3. It has the part of S3
// that devinbox uses of AWS S3, Cloudflare R2, Supabase Storage or MinIO, and refuses what they refuse, so code that
// works here works there too.
//
// It has one bucket, addressed in path style: PUT (with If-None-Match: *), GET (with Range and the overrides
// response-*), HEAD and DELETE of an object, ListObjectsV2, HEAD of the bucket, and CORS for the pages of this machine.
// Every request but a CORS preflight needs a signature (AWS Signature Version 4) in its query or its Authorization
// header. The signature, its region, its time and its expiry are checked, and each x-amz- header must be signed. It returns
// 501 for what it does not have: multipart uploads, versions, copies, access lists, bodies that are signed in chunks.
//
// It follows https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html,
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and the pages beside them for each
// operation. Signatures are checked with the signer of AWS's own SDK, and package objectstores compares this store with
// another one.
//
// It is not meant for production: [Start] fails there.
package objectstore
