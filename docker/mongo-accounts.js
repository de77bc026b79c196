// Run once by the image, when the database is made.
const convoke = db.getSiblingDB('convoke');
convoke.createUser({
  user: 'convoke',
  pwd: process.env.CONVOKE_DB_PASSWORD,
  roles: [{ role: 'readWrite', db: 'convoke' }],
});
// Reads the read models and can change nothing.
convoke.createUser({ user: 'analyst', pwd: process.env.ANALYST_PASSWORD, roles: [{ role: 'read', db: 'convoke' }] });
