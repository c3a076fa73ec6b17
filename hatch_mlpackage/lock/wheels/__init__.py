"""Build, download and describe the wheels of locked packages, and keep the folder of wheels beside the lock."""
